"""What is tried out behind doors of one name: a module a question, from held-out images or runs to a table."""
