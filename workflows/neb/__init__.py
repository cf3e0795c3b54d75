"""Barriers of vacancy hops with a potential: elastic bands between relaxed ends."""
