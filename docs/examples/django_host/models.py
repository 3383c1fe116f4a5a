"""The tables. Each row has an integer key of its own, for the rest of the application; our id stands beside it."""

from typing import ClassVar

from django.db import models


class Tenant(models.Model):
    """Whose records they are; whoever writes for a tenant counts that in its row first."""

    name = models.CharField(max_length=191, unique=True)
    commits = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Record(models.Model):
    """Which records there are, and a few columns to list and filter by; what they hold is told by their events."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="records")
    code = models.CharField(max_length=191)  # leadflow's id
    kind = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    owner = models.CharField(max_length=191, null=True)  # noqa: DJ001 - nobody is not the same as an empty name

    class Meta:
        """An id comes once per tenant, whatever the kind."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "code"], name="one_record")]

    def __str__(self) -> str:
        return f"{self.kind} {self.code!r} version {self.version}"


class Event(models.Model):
    """Everything that happened to a record; the outbox too, in the order of the keys."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="events")
    version = models.PositiveIntegerField()
    event = models.JSONField()

    class Meta:
        """A version comes once per record."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["record", "version"], name="one_version")]

    def __str__(self) -> str:
        return f"{self.record_id} version {self.version}"


class Match(models.Model):
    """The match keys of a record."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="matches")
    tenant = models.ForeignKey(Tenant, models.CASCADE)
    key = models.TextField()

    class Meta:
        """Records are looked up by key."""

        indexes: ClassVar = [models.Index(fields=["tenant", "key", "record"], name="by_key")]

    def __str__(self) -> str:
        return self.key


class Receipt(models.Model):
    """What came of a request."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    key = models.CharField(max_length=191)
    receipt = models.JSONField()

    class Meta:
        """A key comes once per tenant."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "key"], name="one_receipt")]

    def __str__(self) -> str:
        return self.key
