using System.Text.Json;

namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>
/// What a record costs the broker in bytes as stored: counted without compression until the producer's statistics tell how
/// many bytes went over the wire for how many records.
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
    private long _sentRecords;
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
    internal void Take(ReadOnlySpan<byte> json)
    {
        long? sentBytes = null;
        long? sentRecords = null;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName)
                continue;
            if (reader.ValueTextEquals("tx_bytes"u8) && reader.Read())
                sentBytes = reader.GetInt64();
            else if (reader.ValueTextEquals("txmsgs"u8) && reader.Read())
                sentRecords = reader.GetInt64();
        }

        if (sentBytes is not { } bytes || sentRecords is not { } records || records - _sentRecords < EnoughRecords)
            return;

        // The dearer of the whole run and of its last stretch.
        _measured = Math.Max((double)bytes / records, (double)(bytes - _sentBytes) / (records - _sentRecords));
        _sentBytes = bytes;
        _sentRecords = records;
    }
}
