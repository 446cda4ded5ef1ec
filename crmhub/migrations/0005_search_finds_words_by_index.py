"""An index for searching the middle of words, in the way of each database; a search works without it, slowly.

PostgreSQL: trigrams, where the extension `pg_trgm` is there or may be made. SQLite: an FTS5 table beside the tasks, which triggers keep.
"""

from django.db import DatabaseError, migrations, transaction

ON_POSTGRES = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX task_by_words ON crmhub_task USING gin (search_text gin_trgm_ops) WHERE deleted_at IS NULL;
"""

# Rows of an FTS5 table are told apart by number alone, and those of a table with a text as its key may be numbered anew by VACUUM;
# so the tasks have numbers of their own here.
ON_SQLITE = [
    "CREATE TABLE crmhub_task_number (number integer PRIMARY KEY, task_id char(32) NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE crmhub_task_words USING fts5(task_id UNINDEXED, search_text, tokenize = 'trigram')",
    "INSERT INTO crmhub_task_number (task_id) SELECT id FROM crmhub_task",
    """
    INSERT INTO crmhub_task_words (rowid, task_id, search_text)
    SELECT number, id, search_text FROM crmhub_task JOIN crmhub_task_number ON task_id = id
    """,
    """
    CREATE TRIGGER crmhub_task_words_of_a_new AFTER INSERT ON crmhub_task BEGIN
      INSERT INTO crmhub_task_number (task_id) VALUES (new.id);
      INSERT INTO crmhub_task_words (rowid, task_id, search_text)
      SELECT number, task_id, new.search_text FROM crmhub_task_number WHERE task_id = new.id;
    END
    """,
    """
    CREATE TRIGGER crmhub_task_words_of_a_changed AFTER UPDATE OF search_text ON crmhub_task
    WHEN old.search_text <> new.search_text BEGIN
      UPDATE crmhub_task_words SET search_text = new.search_text
      WHERE rowid = (SELECT number FROM crmhub_task_number WHERE task_id = new.id);
    END
    """,
    """
    CREATE TRIGGER crmhub_task_words_of_a_removed AFTER DELETE ON crmhub_task BEGIN
      DELETE FROM crmhub_task_words WHERE rowid = (SELECT number FROM crmhub_task_number WHERE task_id = old.id);
      DELETE FROM crmhub_task_number WHERE task_id = old.id;
    END
    """,
]

AWAY = {
    "postgresql": ["DROP INDEX IF EXISTS task_by_words"],
    "sqlite": [
        "DROP TRIGGER IF EXISTS crmhub_task_words_of_a_new",
        "DROP TRIGGER IF EXISTS crmhub_task_words_of_a_changed",
        "DROP TRIGGER IF EXISTS crmhub_task_words_of_a_removed",
        "DROP TABLE IF EXISTS crmhub_task_words",
        "DROP TABLE IF EXISTS crmhub_task_number",
    ],
}


def make(apps, schema_editor):
    database = schema_editor.connection
    statements = {"postgresql": [ON_POSTGRES], "sqlite": ON_SQLITE}.get(database.vendor, [])
    try:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except DatabaseError as error:
        # Not allowed to make the extension, or a database built without it.
        print(f"\n  Searching tasks will be slow, for there is no index of words ({error}). See docs/deployment.md.", end="")


def remove(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for statement in AWAY.get(schema_editor.connection.vendor, []):
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("crmhub", "0004_effects_of_writes")]

    operations = [migrations.RunPython(make, remove)]
