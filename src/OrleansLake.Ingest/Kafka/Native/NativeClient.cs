using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Ingest.Kafka.Native;

/// <summary>
/// One librdkafka client (rd_kafka_t) and what it calls back: its errors, its log, the brokers' responses. Errors come on the thread
/// that polls, log lines on any, responses on the thread of their broker.
/// </summary>
internal sealed unsafe class NativeClient : IDisposable
{
    private const string Name = "orleanslake";

    private readonly Action<int, string>? _onError;
    private readonly Action<KafkaLogLine>? _onLog;
    private readonly Action<int>? _onResponse;
    private readonly int _destroyFlags;
    private readonly TokenRefresh? _tokens;
    private readonly Lock _ending = new();
    private GCHandle _self;

    /// <summary>
    /// Makes the client. Connections are made in the background, so a broker that is down is no error here. Without a listener for
    /// errors, and without them among the events, they are log lines.
    /// </summary>
    internal NativeClient(
        int kind, IReadOnlyDictionary<string, string> settings, Action<int, string>? onError, Action<KafkaLogLine>? onLog, int events = 0, IBearerTokens? tokens = null,
        Action<int>? onResponse = null)
    {
        if (KafkaSecurity.NeedsTokens(settings))
            _tokens = new TokenRefresh(tokens ?? throw KafkaSecurity.NoTokens());
        _onError = onError;
        _onLog = onLog;
        _onResponse = onResponse;
        _destroyFlags = kind == Librdkafka.Consumer ? Librdkafka.NoConsumerClose : 0;
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        byte* error = stackalloc byte[512];
        nint conf = Librdkafka.ConfNew();
        try
        {
            foreach ((string name, string value) in settings)
            {
                if (Librdkafka.ConfSet(conf, name, value, error, 512) != 0)
                    throw new KafkaSettingException(name, $"Kafka setting {name}: {Librdkafka.Text(error)}");
            }

            Librdkafka.ConfSetOpaque(conf, GCHandle.ToIntPtr(_self));
            Librdkafka.ConfSetLogCallback(conf, &OnLog);
            if (onError is not null && (events & Librdkafka.EventError) == 0)
                Librdkafka.ConfSetErrorCallback(conf, &OnError);
            if (_tokens is not null)
            {
                Librdkafka.ConfSetTokenRefreshCallback(conf, &OnTokenRefresh);
                Librdkafka.ConfEnableSaslQueue(conf, 1);
            }

            if (events != 0)
                Librdkafka.ConfSetEvents(conf, events);
            int refused = onResponse is null ? 0 : Librdkafka.ConfAddOnNew(conf, Name, &OnNew, GCHandle.ToIntPtr(_self));
            if (refused != 0)
                throw new KafkaClientException($"the Kafka client lets nobody hear its responses: {Librdkafka.TextOf(refused)}", refused);

            Handle = Librdkafka.New(kind, conf, error, 512);
            if (Handle == 0)
                throw new KafkaSettingException("", $"Kafka settings: {Librdkafka.Text(error)}");

            conf = 0; // the client owns it now
            _tokens?.Start(Handle);
        }
        catch
        {
            if (conf != 0)
                Librdkafka.ConfDestroy(conf);
            if (Handle != 0)
                Librdkafka.DestroyFlags(Handle, _destroyFlags);
            _self.Free();
            throw;
        }
    }

    /// <summary>rd_kafka_t.</summary>
    internal nint Handle { get; private set; }

    /// <summary>Another login for connections from now on; those that stand go on. Any thread; after the end it does nothing.</summary>
    internal void SetLogin(string username, string password)
    {
        lock (_ending)
        {
            if (Handle == 0)
                return;

            nint error = Librdkafka.SaslSetCredentials(Handle, username, password);
            if (error != 0)
            {
                string text = Librdkafka.Text(Librdkafka.ErrorString(error));
                Librdkafka.ErrorDestroy(error);
                throw new KafkaClientException($"Kafka login: {text}");
            }
        }
    }

    /// <summary>Ends the client. Every topic, queue, message and event of it must have been given back before.</summary>
    public void Dispose()
    {
        if (Handle == 0)
            return;

        _tokens?.Dispose();
        nint ended;
        lock (_ending)
        {
            (ended, Handle) = (Handle, 0);
        }

        Librdkafka.DestroyFlags(ended, _destroyFlags);
        _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnNew(nint client, nint conf, nint opaque, byte* error, nuint errorSize)
        => Librdkafka.AddOnResponseReceived(client, Name, &OnResponse, opaque);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnResponse(
        nint client, int socket, byte* broker, int brokerId, short apiKey, short apiVersion, int correlationId, nuint size, long roundTrip, int error, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is NativeClient self)
            self._onResponse?.Invoke(brokerId);
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnError(nint client, int error, byte* reason, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is NativeClient self)
            self._onError?.Invoke(error, Librdkafka.Text(reason));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnTokenRefresh(nint client, byte* config, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is NativeClient self)
            self._tokens?.Ask();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(nint client, int level, byte* facility, byte* text)
    {
        nint opaque = client == 0 ? 0 : Librdkafka.Opaque(client);
        if (opaque != 0 && GCHandle.FromIntPtr(opaque).Target is NativeClient self)
            self._onLog?.Invoke(new KafkaLogLine(level, Librdkafka.Text(facility), Librdkafka.Text(text)));
    }
}
