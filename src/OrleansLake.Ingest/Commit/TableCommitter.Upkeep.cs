namespace OrleansLake.Ingest.Commit;

// Turns for the upkeep. Whoever maintains the table swaps by itself, from wherever its files were written; what it borrows here is
// the committer's turn, so that the two do not run into each other. Ingestion goes first: a turn is lent when no report waits, for a
// short time, and taken back when that is over. Nothing but courtesy depends on it: a swap that comes too late finds its base moved.
public sealed partial class TableCommitter
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);
    private Gate<bool> _idle = new();

    /// <summary>Waits until no report waits (for half a minute at most) and nothing is swapped, and gives the turn away.</summary>
    /// <param name="most">How long; then it is taken back.</param>
    /// <param name="cancellationToken">Gives up waiting, and takes the turn back.</param>
    public async Task<UpkeepTurn> LendTurnAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        DateTimeOffset until = _time.GetUtcNow() + LongestWait;
        while (_waiting.Count > 0 && until - _time.GetUtcNow() is { Ticks: > 0 } left)
        {
            _idle = _idle.IsOpen ? new Gate<bool>() : _idle;
            await _idle.WaitAsync(left, _time, cancellationToken);
        }

        Gate<bool> lent = new();
        Gate<bool> returned = new();
        _ = HoldAsync();
        await lent.WaitAsync(Timeout.InfiniteTimeSpan, _time, cancellationToken);
        return new UpkeepTurn(returned);

        async Task HoldAsync()
        {
            try
            {
                await InTurnAsync(
                    async () =>
                    {
                        lent.Open(true);
                        await returned.WaitAsync(most, _time, cancellationToken);
                        // The table is another one now: a swap on what was known would be in vain.
                        _rows.Forget();
                        _deadLetters?.Forget();
                        return true;
                    },
                    cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // Whoever waits for it is told so there.
            }
        }
    }
}

/// <summary>The committer's turn, lent.</summary>
public sealed class UpkeepTurn
{
    private readonly Gate<bool> _returned;

    internal UpkeepTurn(Gate<bool> returned) => _returned = returned;

    /// <summary>Gives it back; a second time does nothing.</summary>
    public void Return() => _returned.Open(true);
}
