using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Grains;

/// <summary>
/// Small documents in an object store that several processes may write. Each version of a document is an object of its own,
/// <c>root/name/v0000000007.json</c>, and the newest one is the document.
/// </summary>
/// <remarks>
/// Invariants: a version is created whole, and only if nothing has its number; the newest is never deleted, so the greatest
/// number only grows; a writer that finds a greater number than its own after creating has lost, since what it saw as the
/// newest was not. A writer that is told that it lost may still have been read by the winner: it reads again.
/// </remarks>
internal sealed class VersionedObjects(IObjectStore objects, string root)
{
    // Enough for a reader that listed a moment ago.
    private const int Kept = 3;
    private const string Suffix = ".json";

    private readonly string _root = root.TrimEnd('/');

    /// <summary>A version of a document.</summary>
    /// <param name="Number">Counted from 1.</param>
    /// <param name="Content">What it says.</param>
    /// <param name="Location">The object, for messages.</param>
    public sealed record Version(long Number, ReadOnlyMemory<byte> Content, string Location);

    /// <summary>The document as it is now; null: it was never written.</summary>
    public Task<Version?> ReadAsync(string name, CancellationToken cancellationToken) => OffTurnAsync(async () =>
    {
        while (true)
        {
            long newest = (await ListAsync(name, cancellationToken)).DefaultIfEmpty(0).Max();
            if (newest == 0)
            {
                return null;
            }

            try
            {
                string location = LocationOf(name, newest);
                return new Version(newest, await objects.ReadAsync(location, cancellationToken), location);
            }
            catch (ObjectNotFoundException)
            {
                // Several writers were faster than this reader: there is a newer one.
            }
        }
    });

    /// <summary>Writes the version that follows <paramref name="number"/> (0: the first). False: another one did, or may have.</summary>
    public Task<bool> TryWriteAsync(string name, long number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => OffTurnAsync(async () =>
    {
        long next = number + 1;
        if (!await objects.TryCreateAsync(LocationOf(name, next), content, cancellationToken))
        {
            return false;
        }

        List<long> there = await ListAsync(name, cancellationToken);
        if (there.Max() > next)
        {
            return false;
        }

        await objects.DeleteAsync([.. there.Where(one => one <= next - Kept).Select(one => LocationOf(name, one))], cancellationToken);
        return true;
    });

    /// <summary>Changes a document: <paramref name="change"/> makes the next content of the present one, or null to leave it.</summary>
    /// <returns>What <paramref name="change"/> said at last.</returns>
    public async Task<T> ChangeAsync<T>(string name, Func<Version?, (byte[]? Content, T Result)> change, CancellationToken cancellationToken)
    {
        while (true)
        {
            Version? version = await ReadAsync(name, cancellationToken);
            (byte[]? content, T result) = change(version);
            if (content is null || await TryWriteAsync(name, version?.Number ?? 0, content, cancellationToken))
            {
                return result;
            }
        }
    }

    // A local store syncs files to disk, which is not for the thread of a turn.
    private static Task<T> OffTurnAsync<T>(Func<Task<T>> action) => Task.Run(action);

    private string LocationOf(string name, long number) => string.Create(CultureInfo.InvariantCulture, $"{_root}/{name}/v{number:D10}{Suffix}");

    private async Task<List<long>> ListAsync(string name, CancellationToken cancellationToken)
    {
        var numbers = new List<long>();
        string prefix = $"{_root}/{name}/";
        await foreach (ObjectInfo one in objects.ListAsync(prefix, cancellationToken))
        {
            ReadOnlySpan<char> file = one.Location.AsSpan(prefix.Length);
            if (file.StartsWith("v") && file.EndsWith(Suffix)
                && long.TryParse(file[1..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }
}
