namespace OrleansLake.Iceberg.Avro;

/// <summary>An Avro object container file, held in memory.</summary>
internal sealed class AvroContainerReader(ReadOnlyMemory<byte> file, string location)
{
    private readonly AvroContainer _container = new(file.Span, location);

    public IReadOnlyDictionary<string, byte[]> Header => _container.Header;

    public AvroSchema Schema => _container.Schema;

    public string? HeaderText(string key) => _container.HeaderText(key);

    /// <summary>The records, each as the values of its fields.</summary>
    public IEnumerable<object?[]> ReadRecords()
    {
        int position = _container.FirstBlock;
        while (position < file.Length)
        {
            var (count, dataBytes, headBytes) = _container.ReadBlockHead(file.Span[position..], position, file.Length - position);
            int dataAndSync = dataBytes + AvroContainer.SyncBytes;
            foreach (object?[] record in _container.ReadRecords(count, file.Slice(position + headBytes, dataAndSync), position))
            {
                yield return record;
            }

            position += headBytes + dataAndSync;
        }
    }
}
