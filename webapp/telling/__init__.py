"""Members are told what a plugin has to tell them: once, by the channel by which they may be reached."""
