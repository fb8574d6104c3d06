"""What runs where: the list of processes, and the Procfile, compose file and manifests that are written from it."""
