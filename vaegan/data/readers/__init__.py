"""One reader a kind of data set: files in, one uint8 array out."""
