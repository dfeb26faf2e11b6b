using System.Reflection;
using Orleans.Runtime;
using Orleans.Serialization.Invocation;

namespace Orleans.Serialization.Invocation
{
    /// <summary>A call as filters and interleaving predicates see it.</summary>
    public interface IInvokable : IDisposable
    {
        object? GetTarget();
        int GetArgumentCount();
        object? GetArgument(int index);
        void SetArgument(int index, object value);
        string GetMethodName();
        string GetInterfaceName();
        string GetActivityName();
        MethodInfo GetMethod();
        Type GetInterfaceType();
        TimeSpan? GetDefaultResponseTimeout();
        CancellationToken GetCancellationToken();
        bool IsCancellable { get; }
    }
}

namespace Orleans
{
    public interface IGrainCallContext
    {
        IInvokable Request { get; }
        object Grain { get; }
        GrainId? SourceId { get; }
        GrainId TargetId { get; }
        GrainInterfaceType InterfaceType { get; }
        string InterfaceName { get; }
        string MethodName { get; }
        MethodInfo InterfaceMethod { get; }
        object? Result { get; set; }
        Task Invoke();
    }

    public interface IIncomingGrainCallContext : IGrainCallContext
    {
        IGrainContext TargetContext { get; }
        MethodInfo ImplementationMethod { get; }
    }

    public interface IOutgoingGrainCallContext : IGrainCallContext
    {
        IGrainContext? SourceContext { get; }
    }

    public interface IIncomingGrainCallFilter
    {
        Task Invoke(IIncomingGrainCallContext context);
    }

    public interface IOutgoingGrainCallFilter
    {
        Task Invoke(IOutgoingGrainCallContext context);
    }

    public delegate Task IncomingGrainCallFilterDelegate(IIncomingGrainCallContext context);

    public delegate Task OutgoingGrainCallFilterDelegate(IOutgoingGrainCallContext context);
}

namespace Orleans.Runtime
{
    /// <summary>One pass through the filters: each Invoke goes one further, the last one calls.</summary>
    internal abstract class FilteredCall(GrainCall call, Func<Task<object?>> last) : IGrainCallContext
    {
        private int next;

        public IInvokable Request => call;
        public abstract object Grain { get; }
        public GrainId? SourceId => call.Source?.GrainId;
        public GrainId TargetId => call.Target;
        public GrainInterfaceType InterfaceType => GrainInterfaceType.Create(call.GrainInterface.Name);
        public string InterfaceName => call.GrainInterface.Name;
        public string MethodName => call.Method.Method.Name;
        public MethodInfo InterfaceMethod => call.Method.Method;
        public object? Result { get; set; }
        protected GrainCall Call => call;
        protected abstract int FilterCount { get; }

        public async Task<object?> Run()
        {
            await Invoke();
            return Result;
        }

        public async Task Invoke()
        {
            if (next < FilterCount) await InvokeFilter(next++);
            else Result = await last();
        }

        protected abstract Task InvokeFilter(int index);
    }

    internal sealed class OutgoingCall(GrainCall call, IReadOnlyList<IOutgoingGrainCallFilter> filters, Func<Task<object?>> last)
        : FilteredCall(call, last), IOutgoingGrainCallContext
    {
        public override object Grain => Call.Target;
        public IGrainContext? SourceContext => Call.Source;
        protected override int FilterCount => filters.Count;
        protected override Task InvokeFilter(int index) => filters[index].Invoke(this);
    }

    internal sealed class IncomingCall(
        GrainCall call, IGrainContext context, IReadOnlyList<IIncomingGrainCallFilter> filters, Func<Task<object?>> last)
        : FilteredCall(call, last), IIncomingGrainCallContext
    {
        public override object Grain => context.GrainInstance!;
        public IGrainContext TargetContext => context;
        protected override int FilterCount => filters.Count;
        protected override Task InvokeFilter(int index) => filters[index].Invoke(this);

        public MethodInfo ImplementationMethod
        {
            get
            {
                var map = Grain.GetType().GetInterfaceMap(InterfaceMethod.DeclaringType!);
                var definition = InterfaceMethod.IsGenericMethod ? InterfaceMethod.GetGenericMethodDefinition() : InterfaceMethod;
                return map.TargetMethods[Array.IndexOf(map.InterfaceMethods, definition)];
            }
        }
    }
}
