using OrleansLake.Iceberg.Sql;

namespace OrleansLake.Iceberg;

/// <summary>What a CREATE TABLE says.</summary>
/// <param name="Name">The table's name as typed (a catalog's name before it stands as the first namespace level); null where the statement has none.</param>
/// <param name="Creation">The table.</param>
public sealed record TableDefinition(TableIdentifier? Name, TableCreation Creation);

/// <summary>What an ALTER TABLE says.</summary>
public sealed class TableAlteration
{
    private readonly Func<TableMetadata, IMetadataChange> _change;

    internal TableAlteration(TableIdentifier name, Func<TableMetadata, IMetadataChange> change)
    {
        Name = name;
        _change = change;
    }

    /// <summary>The table's name as typed.</summary>
    public TableIdentifier Name { get; }

    /// <summary>The change on top of these metadata: its requirements and updates make a commit.</summary>
    /// <exception cref="ArgumentException">The table does not have what is altered, or may not be altered so.</exception>
    public IMetadataChange On(TableMetadata metadata) => _change(metadata);
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

    /// <summary>
    /// Reads <c>ALTER TABLE name ADD | DROP | RENAME | ALTER COLUMN …</c>, <c>SET | UNSET TBLPROPERTIES (…)</c>, <c>SET PROPERTIES …</c>,
    /// <c>ADD | DROP | REPLACE PARTITION FIELD …</c> and <c>WRITE ORDERED BY …</c>.
    /// </summary>
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

    /// <summary><c>'name' = 'value'</c>, <c>name = value</c>, as in TBLPROPERTIES.</summary>
    internal static (string Name, Token Value) Property(TokenReader tokens)
    {
        string name = PropertyName(tokens);
        tokens.TrySymbol('=');
        var value = tokens.Take();
        return value.Kind is TokenKind.Text or TokenKind.Number or TokenKind.Word ? (name, value) : throw tokens.Expected("a value", value);
    }

    internal static string PropertyName(TokenReader tokens) =>
        tokens.Next.Kind is TokenKind.Text ? tokens.Take().Text : string.Join('.', tokens.Path("a property name").Select(token => token.Text));

    internal static TableIdentifier Identifier(TokenReader tokens)
    {
        var path = tokens.Path("a table name");
        return new TableIdentifier([.. path[..^1].Select(token => token.Text)], path[^1].Text);
    }
}
