"""A host in Django: leadflow's records behind models with integer keys of their own."""
