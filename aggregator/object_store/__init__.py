"""The output in a bucket of an object store: what changed is put, what another machine put is fetched."""
