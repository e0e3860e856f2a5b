"""Keys: everything personal is sealed under the key of its scope, and a scope whose key is destroyed stays dark."""
