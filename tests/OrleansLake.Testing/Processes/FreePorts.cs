using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansLake.Testing.Processes;

/// <summary>Ports of this host for servers that tests start.</summary>
public static class FreePorts
{
    private const int First = 10_000;
    private static readonly string Folder = Path.Combine(Path.GetTempPath(), $"orleanslake-test-ports-{Environment.UserName}");
    private static readonly List<FileStream> Taken = [];

    /// <summary>
    /// Ports that nobody listens at, each another one, and none of those that another test or another process of tests has taken
    /// before its server, which takes seconds to start, has come to listen: a file of each stays locked until this process ends.
    /// They lie below those that the system gives to outgoing connections.
    /// </summary>
    public static int[] Take(int count)
    {
        Directory.CreateDirectory(Folder);
        var ports = new List<int>();
        for (int tries = 0; ports.Count < count; tries++)
        {
            int port = Random.Shared.Next(First, End());
            if (TryLock(port) && IsFree(port))
            {
                ports.Add(port);
            }
            else if (tries > 1000)
            {
                throw new InvalidOperationException($"no free port from {First} to {End()}");
            }
        }

        return [.. ports];
    }

    private static int End()
    {
        const string range = "/proc/sys/net/ipv4/ip_local_port_range";
        int outgoing = File.Exists(range) ? int.Parse(File.ReadAllText(range).Split('\t', ' ')[0], CultureInfo.InvariantCulture) : 32_768;
        return outgoing > 2 * First ? outgoing : 65_536; // where the system keeps none apart, any
    }

    private static bool TryLock(int port)
    {
        try
        {
            var file = new FileStream(Path.Combine(Folder, port.ToString(CultureInfo.InvariantCulture)), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            lock (Taken)
            {
                Taken.Add(file);
            }

            return true;
        }
        catch (IOException)
        {
            return false; // somebody has it
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false; // somebody listens there
        }
    }
}
