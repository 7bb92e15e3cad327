//! Topic `metadata`: what a guest is told about itself, over 169.254.169.254 or its config drive.
