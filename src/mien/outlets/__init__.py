"""What is watched live, handed on as it comes: streams of Lab Streaming Layer, messages of OSC, recordings. A new kind is a
class in a file of its own, and a line in `mien.outlets.registry`."""
