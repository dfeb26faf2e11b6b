namespace OrleansLake.Iceberg;

/// <summary>
/// A lock between processes of one host: an exclusive <c>flock</c> of a file, which the kernel takes back when its holder
/// dies. The file itself stays for ever, since deleting it would let two holders in.
/// </summary>
internal sealed class LocalLock : IDisposable
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(25);

    private readonly FileStream _file;

    private LocalLock(FileStream file) => _file = file;

    /// <summary>Waits for the lock. There is no call that waits and can be cancelled, hence the asking.</summary>
    public static async Task<LocalLock> TakeAsync(string path, CancellationToken cancellationToken)
    {
        LocalFiles.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var wait = FirstWait; ; wait = wait * 2 < LongestWait ? wait * 2 : LongestWait)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                // FileShare.None is flock(LOCK_EX | LOCK_NB) on Unix, and the system's own sharing on Windows.
                return new LocalLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException e) when (LocalFiles.IsHeld(e))
            {
                await Task.Delay(wait, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
