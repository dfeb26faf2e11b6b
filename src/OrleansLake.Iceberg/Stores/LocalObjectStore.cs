using System.Runtime.CompilerServices;

namespace OrleansLake.Iceberg;

/// <summary>
/// Files of this machine as objects. Locations are absolute paths, plain or with <c>file:</c> before them, and taken
/// literally: metadata hold paths, not URIs, and <c>%2F</c> in one is three characters of a name.
/// </summary>
/// <remarks>
/// An object is written beside its place under a name that starts with a dot and ends in <c>.tmp</c>, synced, given its name
/// by rename (replace) or link (create), and the directory synced: no reader and no crash ever sees half of one. Listings
/// leave such names out; each is locked while its writer lives, so those of the dead can be told and deleted. Links are read
/// through but not listed: what lies elsewhere is not this place's to delete, and links can go in a circle.
/// </remarks>
public sealed class LocalObjectStore : IObjectStore
{
    private const string TemporarySuffix = ".tmp";

    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <inheritdoc />
    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => Run(location, path =>
    {
        var file = new FileInfo(path);
        return file.Exists ? file.Length : throw new ObjectNotFoundException(location);
    });

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => RunAsync<ReadOnlyMemory<byte>>(
        location, async path => await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false));

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return RunAsync<ReadOnlyMemory<byte>>(location, async path =>
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.Asynchronous);
            if (position + length > RandomAccess.GetLength(file))
            {
                throw new EndOfStreamException($"{location}: expected {length} bytes from {position}, got the end at {RandomAccess.GetLength(file)}");
            }

            var bytes = new byte[length];
            for (int filled = 0; filled < length;)
            {
                int read = await RandomAccess.ReadAsync(file, bytes.AsMemory(filled), position + filled, cancellationToken).ConfigureAwait(false);
                filled += read > 0 ? read : throw new EndOfStreamException($"{location}: expected {length} bytes from {position}, got {filled}");
            }

            return bytes;
        });
    }

    /// <inheritdoc />
    public ObjectWriter OpenWrite(string location)
    {
        string path = PathOf(location);
        try
        {
            return new LocalObjectWriter(location, path, TemporaryName(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Named(location, e);
        }
    }

    /// <inheritdoc />
    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => RunAsync(location, async path =>
    {
        if (File.Exists(path))
        {
            return false;
        }

        string directory = Path.GetDirectoryName(path)!;
        LocalFiles.CreateDirectory(directory);
        string temporary = TemporaryName(path);
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous))
            {
                await RandomAccess.WriteAsync(file, content, 0, cancellationToken).ConfigureAwait(false);
                RandomAccess.FlushToDisk(file);
            }

            if (!LocalFiles.TryLink(temporary, path))
            {
                return false;
            }

            LocalFiles.Sync(directory);
            return true;
        }
        finally
        {
            File.Delete(temporary);
        }
    });

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!prefix.EndsWith('/'))
        {
            throw new ArgumentException($"expected a prefix that ends with a slash, got {prefix}");
        }

        string root = PathOf(prefix);
        if (!Directory.Exists(root))
        {
            yield break;
        }

        await Task.CompletedTask.ConfigureAwait(false);
        foreach (var file in new DirectoryInfo(root).EnumerateFiles("*", Everything))
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectInfo info;
            try
            {
                if (IsTemporary(file.Name))
                {
                    continue;
                }

                string relative = Path.GetRelativePath(root, file.FullName).Replace(Path.DirectorySeparatorChar, '/');
                info = new ObjectInfo(prefix + relative, file.Length, new DateTimeOffset(file.LastWriteTimeUtc));
            }
            catch (FileNotFoundException)
            {
                continue; // deleted while the listing went on
            }

            yield return info;
        }
    }

    /// <inheritdoc />
    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
    {
        foreach (string location in locations)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string path = PathOf(location);
            try
            {
                File.Delete(path);
            }
            catch (DirectoryNotFoundException)
            {
                // missing counts as deleted
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Named(location, e);
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<int> DeleteUnfinishedAsync(string prefix, DateTimeOffset begunBefore, CancellationToken cancellationToken)
    {
        string root = PathOf(prefix);
        int deleted = 0;
        if (!prefix.EndsWith('/'))
        {
            throw new ArgumentException($"expected a prefix that ends with a slash, got {prefix}");
        }

        foreach (var file in Directory.Exists(root) ? new DirectoryInfo(root).EnumerateFiles(".*" + TemporarySuffix, Everything) : [])
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (IsTemporary(file.Name) && file.LastWriteTimeUtc < begunBefore.UtcDateTime)
                {
                    // Opening it so fails while its writer has it open, and is given up by the kernel when that dies.
                    using var dead = new FileStream(file.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                    file.Delete();
                    deleted++;
                }
            }
            catch (FileNotFoundException)
            {
                // Its writer, or another who cleans, was quicker.
            }
            catch (IOException e) when (LocalFiles.IsHeld(e))
            {
                // Its writer lives.
            }
        }

        return Task.FromResult(deleted);
    }

    /// <summary>The path that a location means.</summary>
    internal static string PathOf(string location)
    {
        string path = location.StartsWith("file://", StringComparison.OrdinalIgnoreCase) ? location[7..]
            : location.StartsWith("file:", StringComparison.OrdinalIgnoreCase) ? location[5..]
            : location;
        if (path.StartsWith("localhost/", StringComparison.OrdinalIgnoreCase))
        {
            path = path[9..];
        }

        return Path.IsPathFullyQualified(path) && !path.Contains('\0')
            ? path
            : throw new ArgumentException($"expected an absolute path or file:///…, got \"{location}\"");
    }

    internal static bool IsTemporary(string name) => name.StartsWith('.') && name.EndsWith(TemporarySuffix, StringComparison.Ordinal);

    // Names of temporary files need not be replayed by a seed: nothing ever reads them.
    private static string TemporaryName(string path) =>
        Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetRandomFileName()}{Environment.ProcessId}{TemporarySuffix}");

    private static Task<T> Run<T>(string location, Func<string, T> action) => RunAsync(location, path => Task.FromResult(action(path)));

    private static async Task<T> RunAsync<T>(string location, Func<string, Task<T>> action)
    {
        string path = PathOf(location);
        try
        {
            return await action(path).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ObjectNotFoundException(location, e);
        }
        catch (Exception e) when ((e is IOException and not (EndOfStreamException or ObjectNotFoundException)) || e is UnauthorizedAccessException)
        {
            throw Named(location, e);
        }
    }

    internal static IOException Named(string location, Exception e) =>
        e is IOException io && io.Message.StartsWith(location, StringComparison.Ordinal) ? io : new IOException($"{location}: {e.Message}", e) { HResult = e.HResult };
}
