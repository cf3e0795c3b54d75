"""Migration barriers of vacancy hops with a potential: nudged elastic bands between relaxed ends."""
