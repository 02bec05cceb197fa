raise RuntimeError("raised at import")
