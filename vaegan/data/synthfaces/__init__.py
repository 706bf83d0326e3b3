"""The procedural faces; nothing else lies here, because the cache of drawn faces is named by a hash of this folder."""
