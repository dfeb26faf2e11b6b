using System.Collections.Frozen;

namespace OrleansLake.Ingest.Decode;

/// <summary>A setting of <see cref="RecordOptions"/> that says nothing that can be done.</summary>
public sealed class RecordOptionException : Exception
{
    /// <summary>At a setting, what was expected there and what was found.</summary>
    public RecordOptionException(string setting, string expected, string found)
        : base($"{setting}: expected {expected}, found \"{found}\"")
    {
        Setting = setting;
        Expected = expected;
        Found = found;
    }

    /// <summary>The setting, relative to a pipeline's <c>records</c>.</summary>
    public string Setting { get; }

    /// <summary>What would do.</summary>
    public string Expected { get; }

    /// <summary>What stood there.</summary>
    public string Found { get; }
}

/// <summary>What becomes of a value that its column does not take.</summary>
public enum UnfitAction
{
    /// <summary>The record goes to the dead letters.</summary>
    Reject,

    /// <summary>The column is null; with a rescue column the value is kept there.</summary>
    Null,

    /// <summary>A column of type string takes the value's JSON text.</summary>
    Text,
}

/// <summary>What a number in the place of a time counts since 1970.</summary>
public enum EpochUnit
{
    /// <summary>Numbers are no times.</summary>
    None,

    /// <summary>Seconds.</summary>
    Seconds,

    /// <summary>Milliseconds.</summary>
    Milliseconds,

    /// <summary>Microseconds.</summary>
    Microseconds,

    /// <summary>Nanoseconds.</summary>
    Nanoseconds,

    /// <summary>Days, for columns of type date.</summary>
    Days,
}

/// <summary>What is around the row in a document.</summary>
public enum RecordEnvelope
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>
    /// A change as Debezium tells it: the row is <c>after</c>, or <c>before</c> where that is null (a delete). Columns named
    /// <c>__op</c> and <c>__ts_ms</c> are its <c>op</c> and <c>ts_ms</c>.
    /// </summary>
    Debezium,
}

/// <summary>What becomes of fields that the table does not have.</summary>
public enum UnknownFieldAction
{
    /// <summary>They are counted and passed over.</summary>
    Ignore,

    /// <summary>They are kept as JSON in one column.</summary>
    Rescue,

    /// <summary>
    /// They become columns; what does not is kept in the rescue column, where there is one.
    /// </summary>
    Evolve,
}

/// <summary>
/// How records differ from rows, and what is done about it; compiled into the decoder's plan, so that what is not set costs
/// nothing. Rules by field name a path (<c>order.lines[].price</c>), or <c>*</c> for every field without one of its own.
/// </summary>
public sealed record RecordOptions
{
    /// <summary>Every field, in rules by field.</summary>
    public const string EveryField = "*";

    private static readonly FrozenDictionary<string, string> None = FrozenDictionary<string, string>.Empty;

    /// <summary>How values are written.</summary>
    public RecordFormat Format { get; init; }

    /// <summary>Knows the schemas that values were written with; needed by formats that are nothing without.</summary>
    public Registry.SchemaRegistry? Registry { get; init; }

    /// <summary>What is around the row.</summary>
    public RecordEnvelope Envelope { get; init; }

    /// <summary>Whether records with a null value are passed over, their offsets counted as a gap; else they are refused.</summary>
    public bool SkipTombstones { get; init; }

    /// <summary>JSON Pointer (RFC 6901) to the object that becomes the row; with an envelope, to that.</summary>
    public string Unnest { get; init; } = "";

    /// <summary>Columns taken from elsewhere: JSON Pointers from the document as it came, whatever <see cref="Unnest"/> says.</summary>
    public IReadOnlyDictionary<string, string> Project { get; init; } = None;

    /// <summary>Columns that do not come from the value: <see cref="ColumnSource"/> says what may stand there.</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = None;

    /// <summary>The case of the documents' names, where it is not that of the table's.</summary>
    public NameCase? CaseFrom { get; init; }

    /// <summary>The case of the table's names; set together with <see cref="CaseFrom"/>.</summary>
    public NameCase? CaseTo { get; init; }

    /// <summary>Whether names match whatever their upper and lower case.</summary>
    public bool IgnoreCase { get; init; }

    /// <summary>What becomes of values that do not fit, by field.</summary>
    public IReadOnlyDictionary<string, UnfitAction> OnUnfit { get; init; } = FrozenDictionary<string, UnfitAction>.Empty;

    /// <summary>What numbers in the place of times count, by field.</summary>
    public IReadOnlyDictionary<string, EpochUnit> Epoch { get; init; } = FrozenDictionary<string, EpochUnit>.Empty;

    /// <summary>Whether strings are read as numbers and booleans where the column is one, by field.</summary>
    public IReadOnlyDictionary<string, bool> NumbersInStrings { get; init; } = FrozenDictionary<string, bool>.Empty;

    /// <summary>Whether digits behind those that a time keeps are cut off; else a record that has them is refused.</summary>
    public bool CutFraction { get; init; }

    /// <summary>What becomes of fields that the table does not have.</summary>
    public UnknownFieldAction UnknownFields { get; init; }

    /// <summary>The column of type string or variant that keeps them.</summary>
    public string RescueColumn { get; init; } = "_rescued";

    /// <summary>Asks for columns, where unknown fields become some; null: they do not here, whatever <see cref="UnknownFields"/> says.</summary>
    public FieldGrowth? Growth { get; init; }

    /// <summary>Whether a text is a JSON Pointer (RFC 6901, section 3).</summary>
    public static bool IsPointer(string text) => JsonPointer.Parse(text) is not null;

    /// <summary>Whether a text says where a column comes from, if not from the record's value: see <see cref="Columns"/>.</summary>
    public static bool IsColumnSource(string text) => ColumnSource.IsSource(text);

    /// <summary>The case that a word such as <c>lower_camel</c> means; null: none.</summary>
    public static NameCase? ParseCase(string word) => NameCases.Parse(word);

    /// <summary>How names match; null: exactly.</summary>
    internal NameMatching? Names => CaseFrom is null && !IgnoreCase ? null : new NameMatching(CaseFrom, CaseTo, IgnoreCase);

    /// <summary>The rule of a field, and whether it is its own.</summary>
    internal static (T Rule, bool IsOwn) RuleOf<T>(IReadOnlyDictionary<string, T> rules, string path) =>
        rules.TryGetValue(path, out T? own) ? (own, true) : (rules.GetValueOrDefault(EveryField)!, false);
}
