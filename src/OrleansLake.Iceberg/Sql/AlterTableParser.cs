namespace OrleansLake.Iceberg.Sql;

/// <summary>ALTER TABLE … ADD, DROP, RENAME and ALTER COLUMN as Trino and Spark have it; the rest, as Spark has it, next door.</summary>
internal sealed partial class AlterTableParser
{
    private readonly TokenReader _tokens;
    private readonly TypeParser _types;
    private readonly List<Action<UpdateSchema>> _steps = [];

    public AlterTableParser(string sql)
    {
        var lexer = new DdlLexer(sql);
        _tokens = new TokenReader(lexer.Tokens());
        _types = new TypeParser(_tokens, lexer.HasBackticks || _tokens.All.Any(token => token.IsSymbol('<') || token.IsWord("COLUMNS")));
    }

    public TableAlteration Parse()
    {
        _tokens.Word("ALTER");
        _tokens.Word("TABLE");
        _tokens.TryWords("IF", "EXISTS");
        var name = Ddl.Identifier(_tokens);
        if (TryOther() is { } change)
        {
            _tokens.End();
            return new TableAlteration(name, change);
        }

        if (_tokens.TryWord("ADD"))
        {
            Several("COLUMNS", Add);
        }
        else if (_tokens.TryWord("DROP"))
        {
            Several("COLUMNS", Drop);
        }
        else if (_tokens.TryWord("RENAME"))
        {
            Rename();
        }
        else if (_tokens.TryWord("ALTER") || _tokens.TryWord("CHANGE"))
        {
            Alter();
        }
        else
        {
            throw _tokens.Expected("ADD, DROP, RENAME or ALTER COLUMN, SET or UNSET TBLPROPERTIES, SET PROPERTIES, ADD, DROP or REPLACE PARTITION FIELD, WRITE ORDERED BY");
        }

        _tokens.End();
        return new TableAlteration(name, metadata =>
        {
            var update = new UpdateSchema(metadata);
            _steps.ForEach(step => step(update));
            return update;
        });
    }

    private void Several(string plural, Action one)
    {
        if (_tokens.TryWord(plural))
        {
            _tokens.Symbol('(');
            _tokens.List(')', () =>
            {
                one();
                return true;
            });
            return;
        }

        _tokens.Word("COLUMN");
        one();
    }

    private void Add()
    {
        bool tolerant = _tokens.TryWords("IF", "NOT", "EXISTS");
        var at = _tokens.Next;
        var path = _tokens.Path("a column name").ConvertAll(token => token.Text);
        var type = _types.Type();
        string? doc = null;
        ColumnPosition? position = null;
        object? value = null;
        bool required = false;
        for (; ; )
        {
            if (_tokens.TryWord("COMMENT"))
            {
                doc = _tokens.Text("a comment in single quotes");
            }
            else if (TryPosition() is { } place)
            {
                position = place;
            }
            else if (_tokens.TryWord("DEFAULT"))
            {
                value = Ddl.Default(_tokens, type);
            }
            else if (_tokens.TryWords("NOT", "NULL"))
            {
                required = true;
            }
            else
            {
                break;
            }
        }

        if (required && value is null)
        {
            throw TokenReader.Error(at, "a column that is added cannot be NOT NULL without a DEFAULT: the rows that are there have no value for it");
        }

        string? parent = path.Count == 1 ? null : string.Join('.', path[..^1]);
        string full = string.Join('.', path);
        _steps.Add(update =>
        {
            if (!tolerant || update.Schema.FindField(full) is null)
            {
                update.AddColumn(parent, path[^1], type, doc, position, value, required);
            }
        });
    }

    private void Drop()
    {
        bool tolerant = _tokens.TryWords("IF", "EXISTS");
        string path = Path();
        _steps.Add(update =>
        {
            if (!tolerant || update.Schema.FindField(path) is not null)
            {
                update.DropColumn(path);
            }
        });
    }

    private void Rename()
    {
        _tokens.Word("COLUMN");
        bool tolerant = _tokens.TryWords("IF", "EXISTS");
        string path = Path();
        _tokens.Word("TO");
        string name = _tokens.Name("the new name").Text;
        _steps.Add(update =>
        {
            if (!tolerant || update.Schema.FindField(path) is not null)
            {
                update.RenameColumn(path, name);
            }
        });
    }

    private void Alter()
    {
        _tokens.Word("COLUMN");
        string path = Path();
        if (_tokens.TryWord("TYPE") || _tokens.TryWords("SET", "DATA", "TYPE"))
        {
            var at = _tokens.Next;
            if (_types.Type() is not PrimitiveType type)
            {
                throw TokenReader.Error(at, "a column is promoted to a wider primitive type only");
            }

            _steps.Add(update => update.PromoteColumn(path, type));
        }
        else if (_tokens.TryWords("DROP", "NOT", "NULL"))
        {
            _steps.Add(update => update.MakeColumnOptional(path));
        }
        else if (_tokens.TryWords("DROP", "DEFAULT"))
        {
            _steps.Add(update => update.SetDefault(path, null));
        }
        else if (_tokens.TryWords("SET", "DEFAULT"))
        {
            object? value = DefaultLiteral.Read(_tokens);
            _steps.Add(update => update.SetDefault(path, update.Schema.FindField(path) is { } column ? DefaultLiteral.As(value, column.Type) : null));
        }
        else if (_tokens.TryWord("COMMENT"))
        {
            string doc = _tokens.Text("a comment in single quotes");
            _steps.Add(update => update.SetDoc(path, doc));
        }
        else if (TryPosition() is { } position)
        {
            _steps.Add(update => update.MoveColumn(path, position));
        }
        else
        {
            throw _tokens.Expected("TYPE, SET DATA TYPE, SET DEFAULT, DROP DEFAULT, DROP NOT NULL, COMMENT, FIRST or AFTER");
        }
    }

    private ColumnPosition? TryPosition() =>
        _tokens.TryWord("FIRST") ? new ColumnPosition.First() : _tokens.TryWord("AFTER") ? new ColumnPosition.After(_tokens.Name("a column").Text) : null;

    private string Path() => string.Join('.', _tokens.Path("a column name").Select(token => token.Text));
}
