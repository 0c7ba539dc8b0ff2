"""Generated word problems whose every step is exact: typed quantities, templates, and a reader that checks them."""
