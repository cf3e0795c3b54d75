"""VASP: XDATCAR, vasprun.xml, and the settings beside them."""
