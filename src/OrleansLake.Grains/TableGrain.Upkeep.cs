using OrleansLake.Ingest.Commit;

namespace OrleansLake.Grains;

// What the upkeep asks of a table: turns, and that what it reads from stays.
internal sealed partial class TableGrain
{
    private static readonly TimeSpan LongestLoan = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LoanWait = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ProtectionTime = TimeSpan.FromMinutes(10);

    private readonly Dictionary<Guid, UpkeepTurn> _turns = [];
    private readonly Dictionary<Guid, (long[] Snapshots, DateTimeOffset Until)> _protections = [];

    private long[] Protected
    {
        get
        {
            DateTimeOffset now = time.GetUtcNow();
            return [.. _protections.Values.Where(one => one.Until > now).SelectMany(one => one.Snapshots).Distinct()];
        }
    }

    /// <inheritdoc />
    public async Task<bool> BorrowTurnAsync(Guid borrower, TimeSpan most)
    {
        Task<UpkeepTurn> lent = Committer.LendTurnAsync(most < LongestLoan ? most : LongestLoan, _stop.Token);
        try
        {
            UpkeepTurn turn = await lent.WaitAsync(LoanWait, time);
            // There is one turn: whoever had it before has it no more.
            _turns.Clear();
            _turns[borrower] = turn;
            return true;
        }
        catch (TimeoutException)
        {
            _ = GiveBackAsync(lent);
            return false;
        }
    }

    /// <inheritdoc />
    public Task ReturnTurnAsync(Guid borrower)
    {
        if (_turns.Remove(borrower, out UpkeepTurn? turn))
        {
            turn.Return();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task ProtectAsync(Guid holder, long[] snapshots)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (Guid over in _protections.Where(one => one.Value.Until <= now).Select(one => one.Key).ToList())
        {
            _protections.Remove(over);
        }

        _protections.Remove(holder);
        if (snapshots.Length > 0)
        {
            _protections[holder] = (snapshots, now + ProtectionTime);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<long[]> ProtectedAsync() => Task.FromResult(Protected);

    /// <summary>One that comes when nobody waits for it any more.</summary>
    private static async Task GiveBackAsync(Task<UpkeepTurn> lent)
    {
        try
        {
            (await lent).Return();
        }
        catch (OperationCanceledException)
        {
            // The activation ends.
        }
    }
}
