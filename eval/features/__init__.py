"""Feature networks: what is shipped, how it is trained, which one a number is made with."""
