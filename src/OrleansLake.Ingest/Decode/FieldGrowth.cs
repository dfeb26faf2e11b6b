using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Decode;

/// <summary>A field that records have and the table has not.</summary>
/// <param name="Parent">Names of the structs around it from the row on; null for elements of a list or values of a map.</param>
/// <param name="Name">What its column would be called.</param>
/// <param name="Type">What its values are; ids in it mean nothing.</param>
public sealed record NewField(IReadOnlyList<string?> Parent, string Name, IcebergType Type)
{
    /// <summary>As messages have it.</summary>
    public string Path => string.Concat(Parent.Select(step => step is null ? "[]" : "." + step)).TrimStart('.') is { Length: > 0 } parent ? $"{parent}.{Name}" : Name;
}

/// <summary>
/// Records have fields that are to become columns: they are decoded again once the table has them, and until then nothing of
/// the batch is written.
/// </summary>
public sealed class NewFieldsException : Exception
{
    /// <summary>Which fields, and what stands in the way of them, if anything does.</summary>
    public NewFieldsException(IReadOnlyList<NewField> fields, string? trouble)
        : base($"held until the table has {string.Join(", ", fields.Select(field => $"{field.Path} {JsonPlanCompiler.TypeName(field.Type)}"))}{(trouble is null ? "" : $": {trouble}")}") => Fields = fields;

    /// <summary>The fields.</summary>
    public IReadOnlyList<NewField> Fields { get; }
}

/// <summary>
/// Asks for columns, one request at a time, and remembers which are not to be: of one pipeline, told of by its decoders on
/// whatever thread they are.
/// </summary>
/// <param name="ask">Adds columns to the table and has it loaded anew; answers with the paths of those that it will not have.</param>
public sealed class FieldGrowth(Func<IReadOnlyList<NewField>, Task<IReadOnlyList<string>>> ask)
{
    private readonly ConcurrentDictionary<string, bool> _declined = new(StringComparer.Ordinal);
    private volatile string? _trouble;
    private int _asking;

    /// <summary>Whether a field is passed over like any that the table does not have.</summary>
    public bool IsDeclined(NewField field) => _declined.ContainsKey(field.Path);

    /// <summary>Asks for them, unless a request is under way already.</summary>
    /// <returns>Why the last request came to nothing; null: it did not.</returns>
    public string? Ask(IReadOnlyList<NewField> fields)
    {
        if (Interlocked.Exchange(ref _asking, 1) == 0)
        {
            _ = AskAsync(fields);
        }

        return _trouble;
    }

    private async Task AskAsync(IReadOnlyList<NewField> fields)
    {
        try
        {
            foreach (string path in await ask(fields).ConfigureAwait(false))
            {
                _declined[path] = true;
            }

            _trouble = null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // Whoever waits asks again, and says this meanwhile.
            _trouble = error.Message;
        }
        finally
        {
            Volatile.Write(ref _asking, 0);
        }
    }
}

/// <summary>What new fields one call of a decoder has met.</summary>
internal sealed unsafe class NewFields(FieldGrowth growth)
{
    private readonly List<(JsonMember Member, nint From, int Length, IcebergType? Type)> _ofRow = [];
    private readonly Dictionary<JsonMember, NewField> _met = [];

    /// <summary>How many the row at hand has, to go back to.</summary>
    public int Mark => _ofRow.Count;

    /// <summary>Forgets what came after a mark.</summary>
    public void GoBack(int mark) => _ofRow.RemoveRange(mark, _ofRow.Count - mark);

    /// <summary>A value of a name that the table does not have. Null says nothing of a type.</summary>
    public void Add(JsonMember member, byte* from, byte* to)
    {
        if (!member.IsDeclined && *from != 'n')
        {
            _ofRow.Add((member, (nint)from, (int)(to - from), null));
        }
    }

    /// <summary>A value, which is not null, of a name that the table does not have and a type that the records tell.</summary>
    public void Add(JsonMember member, IcebergType type)
    {
        if (!member.IsDeclined)
        {
            _ofRow.Add((member, 0, 0, type));
        }
    }

    /// <summary>The row is accepted: what it has is wanted.</summary>
    public void Finish()
    {
        foreach (var (member, from, length, told) in _ofRow)
        {
            var owner = member.Owner!;
            string name = owner.ColumnOf(member);
            if (owner.Takes(name) || member.CountsAs is not null)
            {
                member.IsDeclined = true;
                continue;
            }

            if ((told ?? TypeOf(new ReadOnlySpan<byte>((byte*)from, length))) is not { } type)
            {
                continue;
            }

            var field = new NewField(owner.Path.Steps, name, type);
            if (growth.IsDeclined(field))
            {
                member.IsDeclined = true;
            }
            else
            {
                _met[member] = _met.TryGetValue(member, out var known) ? field with { Type = Both(known.Type, type) } : field;
            }
        }

        _ofRow.Clear();
    }

    /// <summary>The row is not.</summary>
    public void Drop() => _ofRow.Clear();

    /// <summary>Lets nobody write what was decoded if there are fields to wait for.</summary>
    /// <exception cref="NewFieldsException">There are.</exception>
    public void Hold()
    {
        if (_met.Count == 0)
        {
            return;
        }

        List<NewField> fields = [.. _met.Values];
        _met.Clear();
        throw new NewFieldsException(fields, growth.Ask(fields));
    }

    private static IcebergType? TypeOf(ReadOnlySpan<byte> text)
    {
        using var json = JsonDocument.Parse(text.ToArray(), new JsonDocumentOptions { MaxDepth = JsonPlanCompiler.MaxDepth, AllowDuplicateProperties = true });
        return TypeOf(json.RootElement);
    }

    /// <summary>The narrowest type that holds a value; null: it tells none.</summary>
    private static IcebergType? TypeOf(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                return new BooleanType();
            case JsonValueKind.String:
                return new StringType();
            case JsonValueKind.Number:
                return value.TryGetInt64(out _) ? new LongType()
                    : value.GetRawText() is { Length: <= 38 } digits && digits.TrimStart('-').All(char.IsAsciiDigit) ? new DecimalType(38, 0)
                    : double.IsFinite(value.GetDouble()) ? new DoubleType() : null;
            case JsonValueKind.Array:
                IcebergType? element = null;
                foreach (var one in value.EnumerateArray())
                {
                    element = TypeOf(one) is { } type ? element is null ? type : Both(element, type) : element;
                }

                return element is null ? null : new ListType(0, element, ElementRequired: false);
            case JsonValueKind.Object:
                var fields = new Dictionary<string, NestedField>(StringComparer.OrdinalIgnoreCase);
                foreach (var property in value.EnumerateObject())
                {
                    if (NameOf(property) is { } name && TypeOf(property.Value) is { } type)
                    {
                        fields[name] = new NestedField(0, name, Required: false, type);
                    }
                }

                return fields.Count == 0 ? null : new StructType([.. fields.Values]);
            default:
                return null;
        }
    }

    /// <summary>A type for both, where there is one; else the first.</summary>
    private static IcebergType Both(IcebergType one, IcebergType other) => (one, other) switch
    {
        (LongType, DoubleType or DecimalType) => other,
        (DecimalType, DoubleType) => other,
        (ListType x, ListType y) => x with { Element = Both(x.Element, y.Element) },
        (StructType x, StructType y) => new StructType(
        [
            .. x.Fields.Select(field => y.Fields.FirstOrDefault(same => same.Name == field.Name) is { } same ? field with { Type = Both(field.Type, same.Type) } : field),
            .. y.Fields.Where(field => !x.Fields.Any(known => known.Name.Equals(field.Name, StringComparison.OrdinalIgnoreCase))),
        ]),
        _ => one,
    };

    private static string? NameOf(JsonProperty property)
    {
        var raw = System.Runtime.InteropServices.JsonMarshal.GetRawUtf8PropertyName(property);
        // Names with escapes are rare, may be none that UTF-8 holds, and can wait until somebody adds a column for them.
        return raw.Length > 0 && !raw.Contains((byte)'\\') ? Encoding.UTF8.GetString(raw) : null;
    }
}
