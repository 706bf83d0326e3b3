"""Distances between sets of images, each by a protocol that stands beside the number."""
