// present returns the address of an optional tensor, or another's where it has none, for a
// load that stands before the condition that there is one. Lavapipe of Mesa 26.2 makes
// loads from an address that all lanes share whatever the condition around them, and
// drops the value: it must be an address that can be read.
uint64_t present(uint64_t optional, uint64_t other) { return optional != 0 ? optional : other; }
