using OrleansLake.Ingest.Forward;

namespace OrleansLake.Ingest.Tests.Forward;

/// <summary>What a topic and its transaction coordinator keep.</summary>
internal sealed class MemoryLog
{
    public List<DeadLetterRecord> Committed { get; } = [];

    public Dictionary<string, long> Numbers { get; } = [];

    /// <summary>Goes up with each sender that connects: earlier ones are fenced off.</summary>
    public int Epoch { get; set; }
}

/// <summary>One sender to a <see cref="MemoryLog"/>, with Kafka's promises: a group and its number are in together or not at all.</summary>
/// <param name="log">The log.</param>
/// <param name="step">Told before each step; true: the sender dies there. The argument is true behind the end of the transaction.</param>
internal sealed class MemoryTopic(MemoryLog log, Func<bool, bool> step) : IDeadLetterTopic
{
    private int _epoch = -1;
    private string _line = "";

    public Task<long?> ConnectAsync(string line, CancellationToken cancellationToken)
    {
        Step(isIn: false);
        (_epoch, _line) = (++log.Epoch, line);
        Step(isIn: false);
        return Task.FromResult(log.Numbers.TryGetValue(line, out long number) ? number : (long?)null);
    }

    public async Task SendAsync(IAsyncEnumerable<DeadLetterRecord> records, long number, CancellationToken cancellationToken)
    {
        List<DeadLetterRecord> open = [];
        await foreach (DeadLetterRecord record in records.WithCancellation(cancellationToken))
        {
            open.Add(record);
        }

        Step(isIn: false);
        if (_epoch != log.Epoch)
        {
            throw new IOException("fenced off");
        }

        log.Committed.AddRange(open);
        log.Numbers[_line] = number;
        Step(isIn: true);
    }

    private void Step(bool isIn)
    {
        if (step(isIn))
        {
            throw new IOException("dead");
        }
    }
}
