"""The shell's face: `regulars ...`."""
