//! Console access: tokens, and the proxy between a browser and a guest's screen.
