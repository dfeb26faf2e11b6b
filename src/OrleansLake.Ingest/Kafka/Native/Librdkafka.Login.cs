using System.Runtime.InteropServices;

namespace OrleansLake.Ingest.Kafka.Native;

internal static unsafe partial class Librdkafka
{
    [LibraryImport(Library, EntryPoint = "rd_kafka_sasl_set_credentials", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint SaslSetCredentials(nint client, string username, string password);
}
