"""Ways to find tools, all behind one interface: the product's own, the published ones, and the anchors beside them."""
