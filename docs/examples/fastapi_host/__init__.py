"""A host that serves leadflow over HTTP: FastAPI, asynchronous SQLAlchemy, PostgreSQL."""
