"""The front end, the intermediate representation and its passes: manifests in, Program out."""
