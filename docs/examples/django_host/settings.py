"""What the example needs of a project's settings; the tests add a PostgreSQL to the databases."""

SECRET_KEY = "for the example only"  # noqa: S105
INSTALLED_APPS = ["django_host"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES: dict[str, dict[str, object]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "crm.db",
        # A transaction that writes takes its lock when it begins, so that what it checks still holds when it writes.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }
}
