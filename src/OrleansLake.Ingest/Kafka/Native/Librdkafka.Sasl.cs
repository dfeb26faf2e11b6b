using System.Runtime.InteropServices;

namespace OrleansLake.Ingest.Kafka.Native;

internal static unsafe partial class Librdkafka
{
    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_oauthbearer_token_refresh_cb")]
    internal static partial void ConfSetTokenRefreshCallback(nint conf, delegate* unmanaged[Cdecl]<nint, byte*, nint, void> callback);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_enable_sasl_queue")]
    internal static partial void ConfEnableSaslQueue(nint conf, int enable);

    [LibraryImport(Library, EntryPoint = "rd_kafka_sasl_background_callbacks_enable")]
    internal static partial nint SaslBackgroundCallbacksEnable(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_oauthbearer_set_token", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int SetToken(nint client, string token, long expiresMs, string principal, byte** extensions, nuint extensionCount, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_oauthbearer_set_token_failure", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int SetTokenFailure(nint client, string reason);
}
