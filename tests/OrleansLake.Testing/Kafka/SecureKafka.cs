using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace OrleansLake.Testing.Kafka;

/// <summary>Whom a <see cref="SecureKafka"/> lets in.</summary>
public sealed record SecureKafkaOptions
{
    /// <summary>It speaks TLS with this; null: it does not.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Clients must show a certificate of this authority; null: they need none.</summary>
    public X509Certificate2? ClientAuthority { get; init; }

    /// <summary>The SASL mechanism that must be passed; null: none.</summary>
    public string? Mechanism { get; init; }

    public string User { get; init; } = "";

    public string Password { get; init; } = "";

    /// <summary>Answers where in a topic's partition the records from a time on begin, and of what time the first is; null: the broker is asked.</summary>
    public Func<string, int, long, (long Offset, long TimestampMs)?>? FirstNotOlder { get; init; }

    /// <summary>OAUTHBEARER: which tokens are good.</summary>
    public Func<string, bool>? AcceptsToken { get; init; }
}

/// <summary>
/// A gate in front of an embedded broker that asks for what a secured cluster asks for, TLS, client certificates, SASL, and
/// then passes everything through. Real sockets, real TLS; SASL by its RFCs.
/// </summary>
public sealed class SecureKafka : IAsyncDisposable
{
    private readonly SecureKafkaOptions _options;
    private readonly int _upstream;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly ConcurrentDictionary<KafkaAsked, bool> _asked = [];

    /// <summary>Opens it before a cluster of one broker.</summary>
    public SecureKafka(string bootstrapServers, SecureKafkaOptions options)
    {
        _options = options;
        _upstream = int.Parse(bootstrapServers[(bootstrapServers.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect.</summary>
    public string BootstrapServers => $"127.0.0.1:{Port}";

    /// <summary>Users or tokens that were let in, one for each connection.</summary>
    public ConcurrentQueue<string> Admitted { get; } = [];

    /// <summary>What was asked of the broker, each kind of request once; one that looks for a coordinator says whose.</summary>
    public IEnumerable<KafkaAsked> Asked => _asked.Keys;

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _connections.Add(ServeAsync(client));
            }
        }
        catch (OperationCanceledException)
        {
            // DisposeAsync
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient down = client, up = new();
        try
        {
            await using Stream stream = await SecureAsync(down.GetStream());
            await up.ConnectAsync(IPAddress.Loopback, _upstream, _stop.Token);
            var connection = new Connection(stream, up.GetStream(), _options, Admitted, _asked, port => port == _upstream ? Port : port);
            await Task.WhenAny(connection.RequestsAsync(_stop.Token), connection.AnswersAsync(_stop.Token));
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // A client that is refused, or ends: the test asserts on what the client says of it.
        }
    }

    private async Task<Stream> SecureAsync(NetworkStream plain)
    {
        if (_options.Certificate is null)
        {
            return plain;
        }

        var secure = new SslStream(plain);
        await secure.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificate = _options.Certificate,
                ClientCertificateRequired = _options.ClientAuthority is not null,
                RemoteCertificateValidationCallback = (_, shown, _, _) => _options.ClientAuthority is not { } authority || shown is X509Certificate2 certificate && IsOf(certificate, authority),
            },
            _stop.Token);
        return secure;
    }

    private static bool IsOf(X509Certificate2 certificate, X509Certificate2 authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private sealed class Connection(Stream down, Stream up, SecureKafkaOptions options, ConcurrentQueue<string> admitted, ConcurrentDictionary<KafkaAsked, bool> seen, Func<int, int> portOf)
    {
        private readonly ConcurrentDictionary<int, (short Key, short Version)> _asked = [];
        private readonly SemaphoreSlim _writing = new(1);
        private readonly SaslDesk _desk = new(options);
        private readonly OffsetsByTime? _times = options.FirstNotOlder is { } first ? new OffsetsByTime(first) : null;
        private bool _isIn = options.Mechanism is null;

        public async Task RequestsAsync(CancellationToken cancellationToken)
        {
            while (await KafkaFrames.ReadAsync(down, cancellationToken) is { } frame)
            {
                short key = BinaryPrimitives.ReadInt16BigEndian(frame), version = BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(2));
                seen.TryAdd(KafkaFrames.AskedBy(frame, key, version), true);
                if (key is KafkaFrames.SaslHandshake or KafkaFrames.SaslAuthenticate)
                {
                    byte[] answer = key == KafkaFrames.SaslHandshake ? Handshake(frame) : Authenticate(frame, version);
                    await AnswerAsync([.. frame[4..8], .. answer], cancellationToken);
                }
                else if (_isIn && key == KafkaFrames.ListOffsets && _times?.Answer(frame, version) is { } offsets)
                {
                    await AnswerAsync([.. frame[4..8], .. offsets], cancellationToken);
                }
                else if (_isIn || key == KafkaFrames.ApiVersions)
                {
                    _asked[BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(4))] = (key, version);
                    await up.WriteAsync(KafkaFrames.WithLength(frame), cancellationToken);
                }
                else
                {
                    return; // a broker closes on who has not said who it is
                }
            }
        }

        public async Task AnswersAsync(CancellationToken cancellationToken)
        {
            while (await KafkaFrames.ReadAsync(up, cancellationToken) is { } frame)
            {
                if (_asked.TryRemove(BinaryPrimitives.ReadInt32BigEndian(frame), out (short Key, short Version) asked))
                {
                    if (asked.Key == KafkaFrames.Metadata)
                    {
                        KafkaFrames.MovePorts(frame, asked.Version, portOf);
                    }
                    else if (asked.Key == KafkaFrames.FindCoordinator)
                    {
                        KafkaFrames.MovePort(frame, asked.Version, portOf);
                    }
                    else if (asked.Key == KafkaFrames.ApiVersions && options.Mechanism is not null)
                    {
                        frame = KafkaFrames.AddSasl(frame, asked.Version);
                    }
                }

                await AnswerAsync(frame, cancellationToken);
            }
        }

        private async Task AnswerAsync(byte[] frame, CancellationToken cancellationToken)
        {
            await _writing.WaitAsync(cancellationToken);
            try
            {
                await down.WriteAsync(KafkaFrames.WithLength(frame), cancellationToken);
            }
            finally
            {
                _writing.Release();
            }
        }

        private byte[] Handshake(byte[] request)
        {
            int at = KafkaFrames.BodyOf(request);
            const short unsupported = 33;
            string asked = KafkaFrames.ReadText(request, ref at);
            return [.. KafkaFrames.Int16(asked == options.Mechanism ? (short)0 : unsupported), .. KafkaFrames.Int32(1), .. KafkaFrames.Text(options.Mechanism)];
        }

        private byte[] Authenticate(byte[] request, short version)
        {
            int at = KafkaFrames.BodyOf(request);
            int length = KafkaFrames.ReadInt32(request, ref at);
            (byte[]? answer, string? who) = _desk.Step(request[at..(at + length)]);
            if (who is not null)
            {
                _isIn = true;
                admitted.Enqueue(who);
            }

            const short refused = 58;
            byte[] body = answer is null
                ? [.. KafkaFrames.Int16(refused), .. KafkaFrames.Text("Authentication failed"), .. KafkaFrames.Int32(0)]
                : [.. KafkaFrames.Int16(0), .. KafkaFrames.Text(null), .. KafkaFrames.Int32(answer.Length), .. answer];
            return version >= 1 ? [.. body, 0, 0, 0, 0, 0, 0, 0, 0] : body;
        }
    }
}
