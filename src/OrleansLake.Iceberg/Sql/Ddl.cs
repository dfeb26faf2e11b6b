using OrleansLake.Iceberg.Sql;

namespace OrleansLake.Iceberg;

/// <summary>What a CREATE TABLE says.</summary>
/// <param name="Name">The table's name as typed (a catalog's name before it stands as the first namespace level); null where the statement has none.</param>
/// <param name="Creation">The table.</param>
public sealed record TableDefinition(TableIdentifier? Name, TableCreation Creation);

/// <summary>What an ALTER TABLE says.</summary>
public sealed class TableAlteration
{
    private readonly IReadOnlyList<Action<UpdateSchema>> _steps;

    internal TableAlteration(TableIdentifier name, IReadOnlyList<Action<UpdateSchema>> steps)
    {
        Name = name;
        _steps = steps;
    }

    /// <summary>The table's name as typed.</summary>
    public TableIdentifier Name { get; }

    /// <summary>The change on top of these metadata: its requirements and updates make a commit.</summary>
    /// <exception cref="ArgumentException">The table does not have what is altered, or may not be altered so.</exception>
    public UpdateSchema On(TableMetadata metadata)
    {
        var update = new UpdateSchema(metadata);
        foreach (var step in _steps)
        {
            step(update);
        }

        return update;
    }
}

/// <summary>
/// The statements that Trino and Spark users type, types by either's names. A bare TIMESTAMP is an instant where the
/// statement is Spark's (USING, PARTITIONED BY, TBLPROPERTIES, backticks, angle brackets) and a wall clock otherwise.
/// </summary>
public static class Ddl
{
    /// <summary>Reads <c>CREATE TABLE [IF NOT EXISTS] name (columns) …</c>.</summary>
    /// <exception cref="DdlException">It is something else; the message has line and column.</exception>
    public static TableDefinition ParseCreateTable(string sql) => new CreateTableParser(sql).Parse();

    /// <summary>Reads <c>ALTER TABLE name ADD | DROP | RENAME | ALTER COLUMN …</c>.</summary>
    /// <exception cref="DdlException">It is something else; the message has line and column.</exception>
    public static TableAlteration ParseAlterTable(string sql) => new AlterTableParser(sql).Parse();

    /// <summary>The value behind DEFAULT in the form of its column's type.</summary>
    internal static object? Default(TokenReader tokens, IcebergType type)
    {
        var at = tokens.Next;
        object? value = DefaultLiteral.Read(tokens);
        try
        {
            return DefaultLiteral.As(value, type);
        }
        catch (ArgumentException e)
        {
            throw TokenReader.Error(at, e.Message);
        }
    }

    internal static TableIdentifier Identifier(TokenReader tokens)
    {
        var path = tokens.Path("a table name");
        return new TableIdentifier([.. path[..^1].Select(token => token.Text)], path[^1].Text);
    }
}
