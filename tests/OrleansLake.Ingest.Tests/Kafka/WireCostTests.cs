using System.Text;
using OrleansLake.Ingest.Kafka.Publishing;

namespace OrleansLake.Ingest.Tests.Kafka;

/// <summary>What a publisher takes a record to cost the broker.</summary>
public sealed class WireCostTests
{
    private readonly WireCost _cost = new();

    [Fact]
    public void A_batch_that_is_counted_before_it_is_sent_makes_no_record_cheap()
    {
        Hand(20_000, bytes: 288);

        // Put together, and only the handshake is on the wire.
        Tell(txBytes: 900, txMessages: 15_000, acknowledged: 0);

        Assert.Equal(300, _cost.BytesARecord);
    }

    [Fact]
    public void What_was_acknowledged_is_cheaper_by_what_compression_won()
    {
        Hand(20_000, bytes: 288);

        Tell(txBytes: 500_000, txMessages: 15_000, acknowledged: 10_000);

        Assert.Equal(60, _cost.BytesARecord);
    }

    [Fact]
    public void A_stretch_that_compresses_worse_counts_by_itself()
    {
        Hand(40_000, bytes: 288);
        Tell(txBytes: 500_000, txMessages: 10_000, acknowledged: 10_000);

        Tell(txBytes: 1_500_000, txMessages: 20_000, acknowledged: 20_000);

        Assert.Equal(120, _cost.BytesARecord);
    }

    private void Hand(int records, int bytes)
    {
        for (int i = 0; i < records; i++)
            _cost.Count(bytes);
    }

    private void Tell(long txBytes, long txMessages, long acknowledged) => _cost.Take(
        Encoding.UTF8.GetBytes($$"""{"name":"producer","txmsgs":{{txMessages}},"brokers":{"a": {"tx_bytes":1} },"tx_bytes":{{txBytes}},"age":1}"""), acknowledged);
}
