"""Templates in a Milvus server, for galleries past one machine."""
