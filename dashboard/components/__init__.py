"""Parts of pages as Dash components: plain data in, components out."""
