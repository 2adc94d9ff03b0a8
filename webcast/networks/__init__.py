"""Networks only, one file per paper; the stages own everything around them."""
