using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Reading;

/// <summary>Finds the numbers of names in metadata, and adds those that it lacks.</summary>
internal sealed class VariantNames
{
    private readonly Dictionary<string, int> _ids = [];
    private readonly List<byte[]> _names = [];
    private readonly ByteBuffer _extended = new();
    private byte[] _metadata = [];
    private int _given;
    private bool _isExtended;

    /// <summary>Begins with the metadata of a row; most rows have the same.</summary>
    public void Start(ReadOnlySpan<byte> metadata)
    {
        if (_metadata.Length > 0 && metadata.SequenceEqual(_metadata) && _names.Count == _given)
        {
            return;
        }

        _ids.Clear();
        _names.Clear();
        _isExtended = false;
        int count = VariantMetadata.Count(metadata);
        for (int id = 0; id < count; id++)
        {
            byte[] name = VariantMetadata.NameOf(metadata, id).ToArray();
            _names.Add(name);
            _ids.TryAdd(Key(name), id);
        }

        _given = count;
        _metadata = metadata.ToArray();
    }

    /// <summary>The number of a name.</summary>
    public int IdOf(ReadOnlySpan<byte> name)
    {
        string key = Key(name);
        if (!_ids.TryGetValue(key, out int id))
        {
            id = _names.Count;
            _names.Add(name.ToArray());
            _ids.Add(key, id);
            _isExtended = true;
        }

        return id;
    }

    /// <summary>A name by its number.</summary>
    public ReadOnlySpan<byte> this[int id] => _names[id];

    /// <summary>The metadata with all names.</summary>
    public ReadOnlySpan<byte> Metadata
    {
        get
        {
            if (!_isExtended)
            {
                return _metadata;
            }

            _extended.Clear();
            VariantMetadata.Write(_names, _extended);
            return _extended.Written;
        }
    }

    // Every byte a character: names are compared as bytes, whatever they are.
    private static string Key(ReadOnlySpan<byte> name) => System.Text.Encoding.Latin1.GetString(name);
}
