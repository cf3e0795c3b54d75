"""Hand hops over to DFT programs, and read what they found."""
