using System.Text.Json;

namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>
/// What a record costs the broker in bytes as stored: counted without compression until the producer's statistics tell how
/// many bytes went over the wire. They are held against the records that the broker has acknowledged, as the statistics
/// count a record when its batch is put together, before a byte of it is sent.
/// </summary>
internal sealed class WireCost
{
    // A record's own frame: lengths, deltas, null key, no headers.
    private const int RecordOverhead = 12;
    private const long EnoughRecords = 2000;

    // Later data may compress worse than what was measured.
    private const double Margin = 1.2;

    private long _records;
    private long _valueBytes;
    private long _sentBytes;
    private long _acknowledged;
    private double _measured = double.NaN;

    /// <summary>A record was handed to the producer.</summary>
    internal void Count(int valueLength)
    {
        _records++;
        _valueBytes += valueLength + RecordOverhead;
    }

    /// <summary>Bytes that one record takes at the broker, rather too high than too low.</summary>
    internal double BytesARecord => _records == 0 ? 0 : double.IsNaN(_measured) ? Plain : Math.Min(Plain, _measured * Margin);

    private double Plain => (double)_valueBytes / _records;

    /// <summary>librdkafka's statistics. https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md</summary>
    /// <param name="json">As the producer emits them.</param>
    /// <param name="acknowledged">Records that the broker has acknowledged so far.</param>
    internal void Take(ReadOnlySpan<byte> json, long acknowledged)
    {
        if (acknowledged - _acknowledged < EnoughRecords)
            return;

        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals("tx_bytes"u8) || !reader.Read())
                continue;

            // The dearer of the whole run and of its last stretch.
            long bytes = reader.GetInt64();
            _measured = Math.Max((double)bytes / acknowledged, (double)(bytes - _sentBytes) / (acknowledged - _acknowledged));
            (_sentBytes, _acknowledged) = (bytes, acknowledged);
            return;
        }
    }
}
