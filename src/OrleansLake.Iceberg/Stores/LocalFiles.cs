using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansLake.Iceberg;

/// <summary>What .NET has no call for: links that fail when the target stands, and directories on stable storage.</summary>
internal static partial class LocalFiles
{
    private const int FileExistsError = 17;

    /// <summary>Gives a file a second name if nothing has it; false if something has.</summary>
    public static bool TryLink(string existing, string name)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                File.Move(existing, name, overwrite: false);
                return true;
            }
            catch (IOException) when (File.Exists(name))
            {
                return false;
            }
        }

        if (Link(existing, name) == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        return error == FileExistsError ? false : throw new IOException($"{name}: {new Win32Exception(error).Message}", error);
    }

    /// <summary>Makes the entries of a directory durable: a name that a crash could take back was never given.</summary>
    public static void Sync(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int handle = Open(directory, 0);
        if (handle < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new IOException($"{directory}: {new Win32Exception(error).Message}", error);
        }

        using var file = new SafeFileHandle(handle, ownsHandle: true);
        if (Fsync(handle) != 0)
        {
            // Some file systems refuse to sync a directory (EINVAL) and need not.
            int error = Marshal.GetLastPInvokeError();
            if (error != 22)
            {
                throw new IOException($"{directory}: {new Win32Exception(error).Message}", error);
            }
        }
    }

    /// <summary>Makes a directory and those above it, durably.</summary>
    public static void CreateDirectory(string directory)
    {
        var missing = new Stack<string>();
        for (string? at = directory; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
        {
            missing.Push(at);
        }

        Directory.CreateDirectory(directory);
        foreach (string made in missing)
        {
            if (Path.GetDirectoryName(made) is { } parent)
            {
                Sync(parent);
            }
        }
    }

    /// <summary>Whether a file could not be opened because someone has it for himself: EWOULDBLOCK is 11 on Linux and 35 on macOS; Windows has a sharing violation.</summary>
    public static bool IsHeld(IOException e) =>
        OperatingSystem.IsWindows() ? e.HResult == unchecked((int)0x80070020) : e.HResult == (OperatingSystem.IsLinux() ? 11 : 35);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int handle);
}
