using System.Reflection;
using System.Runtime.InteropServices;

namespace OrleansLake.Ingest.Kafka.Native;

/// <summary>
/// The calls of librdkafka on the hot paths (consume and produce by the batch) and those that its .NET client lacks (the mock
/// cluster). https://github.com/confluentinc/librdkafka/blob/master/src/rdkafka.h
/// </summary>
internal static unsafe partial class Librdkafka
{
    private const string Library = "librdkafka";

    // librdkafka.redist carries one build for each C library; the plain one wants libsasl2, which a slim image lacks.
    private static readonly string[] Builds = [Library, "centos8-librdkafka", "alpine-librdkafka"];

    static Librdkafka() => NativeLibrary.SetDllImportResolver(typeof(Librdkafka).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != Library)
            return 0;

        foreach (string build in Builds)
        {
            if (NativeLibrary.TryLoad(build, assembly, searchPath, out nint handle))
                return handle;
        }

        throw new DllNotFoundException(
            $"librdkafka: none of {string.Join(", ", Builds)} could be loaded for {RuntimeInformation.RuntimeIdentifier}; run ./lake setup, or install a librdkafka beside the application");
    }

    /// <summary>rd_kafka_message_t, part of the library's ABI.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Message
    {
        public int Error;
        public nint Topic;
        public int Partition;
        public byte* Payload;
        public nuint Length;
        public byte* Key;
        public nuint KeyLength;
        public long Offset;
        public nint Private;
    }

    /// <summary>rd_kafka_topic_partition_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeTopicPartition
    {
        public byte* Topic;
        public int Partition;
        public long Offset;
        public void* Metadata;
        public nuint MetadataSize;
        public void* Opaque;
        public int Error;
        public void* Private;
    }

    /// <summary>rd_kafka_topic_partition_list_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeTopicPartitionList
    {
        public int Count;
        public int Size;
        public NativeTopicPartition* Elements;
    }

    internal const int Producer = 0;
    internal const int Consumer = 1;
    internal const int MessageCopy = 2;
    internal const int NoConsumerClose = 8;
    internal const int EventDeliveryReport = 0x1;
    internal const int EventError = 0x8;
    internal const int EventStatistics = 0x40;
    internal const int EventListOffsetsResult = 0x400000;
    internal const int AdminListOffsets = 21;
    internal const int ReadCommitted = 1;
    internal const int TimedOut = -185;
    internal const long OffsetInvalid = -1001;
    internal const long OffsetEnd = -1;

    // Configuration
    [LibraryImport(Library, EntryPoint = "rd_kafka_version_str")]
    internal static partial byte* VersionString();

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_new")]
    internal static partial nint ConfNew();

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_destroy")]
    internal static partial void ConfDestroy(nint conf);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ConfSet(nint conf, string name, string value, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_opaque")]
    internal static partial void ConfSetOpaque(nint conf, nint opaque);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_events")]
    internal static partial void ConfSetEvents(nint conf, int events);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_log_cb")]
    internal static partial void ConfSetLogCallback(nint conf, delegate* unmanaged[Cdecl]<nint, int, byte*, byte*, void> callback);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set_error_cb")]
    internal static partial void ConfSetErrorCallback(nint conf, delegate* unmanaged[Cdecl]<nint, int, byte*, nint, void> callback);

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_interceptor_add_on_new", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ConfAddOnNew(nint conf, string name, delegate* unmanaged[Cdecl]<nint, nint, nint, byte*, nuint, int> onNew, nint opaque);

    [LibraryImport(Library, EntryPoint = "rd_kafka_interceptor_add_on_response_received", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int AddOnResponseReceived(
        nint client, string name, delegate* unmanaged[Cdecl]<nint, int, byte*, int, short, short, int, nuint, long, int, nint, int> onResponse, nint opaque);

    // Handles
    [LibraryImport(Library, EntryPoint = "rd_kafka_new")]
    internal static partial nint New(int kind, nint conf, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_destroy_flags")]
    internal static partial void DestroyFlags(nint client, int flags);

    [LibraryImport(Library, EntryPoint = "rd_kafka_opaque")]
    internal static partial nint Opaque(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_clusterid")]
    internal static partial byte* ClusterId(nint client, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mem_free")]
    internal static partial void MemFree(nint client, byte* memory);

    [LibraryImport(Library, EntryPoint = "rd_kafka_fatal_error")]
    internal static partial int FatalError(nint client, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_new", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint TopicNew(nint client, string topic, nint conf);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_destroy")]
    internal static partial void TopicDestroy(nint topic);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_name")]
    internal static partial byte* TopicName(nint topic);

    [LibraryImport(Library, EntryPoint = "rd_kafka_last_error")]
    internal static partial int LastError();

    [LibraryImport(Library, EntryPoint = "rd_kafka_err2str")]
    internal static partial byte* ErrorText(int error);

    [LibraryImport(Library, EntryPoint = "rd_kafka_err2name")]
    internal static partial byte* ErrorName(int error);

    [LibraryImport(Library, EntryPoint = "rd_kafka_error_code")]
    internal static partial int ErrorCode(nint error);

    [LibraryImport(Library, EntryPoint = "rd_kafka_error_string")]
    internal static partial byte* ErrorString(nint error);

    [LibraryImport(Library, EntryPoint = "rd_kafka_error_destroy")]
    internal static partial void ErrorDestroy(nint error);

    // Consuming
    [LibraryImport(Library, EntryPoint = "rd_kafka_poll_set_consumer")]
    internal static partial int PollSetConsumer(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_queue_get_consumer")]
    internal static partial nint QueueGetConsumer(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_queue_get_main")]
    internal static partial nint QueueGetMain(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_queue_new")]
    internal static partial nint QueueNew(nint client);

    // 0xMMmmrrpp: major, minor, revision, pre-release.
    [LibraryImport(Library, EntryPoint = "rd_kafka_version")]
    internal static partial int Version();

    [LibraryImport(Library, EntryPoint = "rd_kafka_queue_destroy")]
    internal static partial void QueueDestroy(nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_consume_batch_queue")]
    internal static partial nint ConsumeBatchQueue(nint queue, int timeoutMs, Message** messages, nuint size);

    // It frees memory and may take locks: never without the transition to native code.
    [LibraryImport(Library, EntryPoint = "rd_kafka_message_destroy")]
    internal static partial void MessageDestroy(Message* message);

    // Reads two fields of the message.
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rd_kafka_message_timestamp")]
    internal static partial long MessageTimestamp(Message* message, int* kind);

    [LibraryImport(Library, EntryPoint = "rd_kafka_message_leader_epoch")]
    internal static partial int MessageLeaderEpoch(Message* message);

    [LibraryImport(Library, EntryPoint = "rd_kafka_message_broker_id")]
    internal static partial int MessageBrokerId(Message* message);

    [LibraryImport(Library, EntryPoint = "rd_kafka_message_headers")]
    internal static partial int MessageHeaders(Message* message, nint* headers);

    [LibraryImport(Library, EntryPoint = "rd_kafka_header_get_all")]
    internal static partial int HeaderGetAll(nint headers, nuint index, byte** name, byte** value, nuint* size);

    [LibraryImport(Library, EntryPoint = "rd_kafka_incremental_assign")]
    internal static partial nint IncrementalAssign(nint client, NativeTopicPartitionList* partitions);

    [LibraryImport(Library, EntryPoint = "rd_kafka_incremental_unassign")]
    internal static partial nint IncrementalUnassign(nint client, NativeTopicPartitionList* partitions);

    [LibraryImport(Library, EntryPoint = "rd_kafka_pause_partitions")]
    internal static partial int PausePartitions(nint client, NativeTopicPartitionList* partitions);

    [LibraryImport(Library, EntryPoint = "rd_kafka_resume_partitions")]
    internal static partial int ResumePartitions(nint client, NativeTopicPartitionList* partitions);

    [LibraryImport(Library, EntryPoint = "rd_kafka_seek_partitions")]
    internal static partial nint SeekPartitions(nint client, NativeTopicPartitionList* partitions, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_partition_list_new")]
    internal static partial NativeTopicPartitionList* TopicPartitionListNew(int size);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_partition_list_destroy")]
    internal static partial void TopicPartitionListDestroy(NativeTopicPartitionList* list);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_partition_list_add", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial NativeTopicPartition* TopicPartitionListAdd(NativeTopicPartitionList* list, string topic, int partition);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_partition_set_leader_epoch")]
    internal static partial void TopicPartitionSetLeaderEpoch(NativeTopicPartition* partition, int leaderEpoch);

    [LibraryImport(Library, EntryPoint = "rd_kafka_get_watermark_offsets", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int GetWatermarkOffsets(nint client, string topic, int partition, long* low, long* high);

    [LibraryImport(Library, EntryPoint = "rd_kafka_query_watermark_offsets", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int QueryWatermarkOffsets(nint client, string topic, int partition, long* low, long* high, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "rd_kafka_commit_queue")]
    internal static partial int CommitQueue(nint client, NativeTopicPartitionList* offsets, nint queue, nint callback, nint opaque);

    [LibraryImport(Library, EntryPoint = "rd_kafka_committed")]
    internal static partial int Committed(nint client, NativeTopicPartitionList* partitions, int timeoutMs);

    // The event's own.
    [LibraryImport(Library, EntryPoint = "rd_kafka_event_topic_partition_list")]
    internal static partial NativeTopicPartitionList* EventTopicPartitionList(nint kafkaEvent);

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_new")]
    internal static partial nint AdminOptionsNew(nint client, int operation);

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_destroy")]
    internal static partial void AdminOptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_set_isolation_level")]
    internal static partial nint AdminOptionsSetIsolationLevel(nint options, int level);

    [LibraryImport(Library, EntryPoint = "rd_kafka_ListOffsets")]
    internal static partial void ListOffsets(nint client, NativeTopicPartitionList* partitions, nint options, nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_ListOffsets_result")]
    internal static partial nint EventListOffsetsResultOf(nint kafkaEvent);

    [LibraryImport(Library, EntryPoint = "rd_kafka_ListOffsets_result_infos")]
    internal static partial nint* ListOffsetsResultInfos(nint result, nuint* count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_ListOffsetsResultInfo_topic_partition")]
    internal static partial NativeTopicPartition* ListOffsetsResultInfoTopicPartition(nint info);

    // Producing
    [LibraryImport(Library, EntryPoint = "rd_kafka_produce_batch")]
    internal static partial int ProduceBatch(nint topic, int partition, int flags, Message* messages, int count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_outq_len")]
    internal static partial int OutQueueLength(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_queue_poll")]
    internal static partial nint QueuePoll(nint queue, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_type")]
    internal static partial int EventType(nint kafkaEvent);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_message_array")]
    internal static partial nuint EventMessageArray(nint kafkaEvent, Message** messages, nuint size);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_error")]
    internal static partial int EventErrorCode(nint kafkaEvent);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_error_string")]
    internal static partial byte* EventErrorString(nint kafkaEvent);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_error_is_fatal")]
    internal static partial int EventErrorIsFatal(nint kafkaEvent);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_stats")]
    internal static partial byte* EventStats(nint kafkaEvent);

    [LibraryImport(Library, EntryPoint = "rd_kafka_event_destroy")]
    internal static partial void EventDestroy(nint kafkaEvent);

    // The mock cluster
    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_new")]
    internal static partial nint MockClusterNew(nint client, int brokers);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_destroy")]
    internal static partial void MockClusterDestroy(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    internal static partial byte* MockClusterBootstraps(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_set_controller_id")]
    internal static partial void MockSetControllerId(nint cluster, int broker);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockTopicCreate(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_topic_delete", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockTopicDelete(nint cluster, string topic);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_broker_set_down")]
    internal static partial int MockBrokerSetDown(nint cluster, int broker);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_broker_set_up")]
    internal static partial int MockBrokerSetUp(nint cluster, int broker);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_push_request_errors_array")]
    internal static partial void MockPushRequestErrors(nint cluster, short apiKey, nuint count, int* errors);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_partition_delete_records", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockPartitionDeleteRecords(nint cluster, string topic, int partition, long beforeOffset);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_partition_set_leader", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MockPartitionSetLeader(nint cluster, string topic, int partition, int broker);

    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    internal static string TextOf(int error) => $"{Text(ErrorText(error))} ({Text(ErrorName(error))})";
}
