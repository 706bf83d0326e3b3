"""Blur measures, the audits that catch a fooled one, and their calibration in pixels of Gaussian blur."""
